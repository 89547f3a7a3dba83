import { testReadme } from '@bag/testing';

testReadme(new URL('../README.md', import.meta.url));
