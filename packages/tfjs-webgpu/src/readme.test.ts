import { testReadme } from '@bag/testing';
import { test } from 'vitest';
import { absence } from './fixtures/on-webgpu.js';

if (absence === undefined) testReadme(new URL('../README.md', import.meta.url));
else test.skip(`README, skipped: ${absence}`);
