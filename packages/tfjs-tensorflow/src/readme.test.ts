import { testReadme } from '@bag/testing';
import { test } from 'vitest';
import { installedTfjsNode } from './fixtures/project.js';

if (installedTfjsNode === undefined) test.skip('README, skipped: tfjs-node is not set up');
else testReadme(new URL('../README.md', import.meta.url));
