#!/usr/bin/env node
import { command } from '../dist/setup.js';

process.exitCode = await command(process.argv.slice(2));
