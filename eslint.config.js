import js from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/.cache/**', '**/*.mjs', '**/*.config.ts', '**/fixtures/**'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      // tfjs-core's types promise more than JavaScript callers and its registries keep.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // A number in a template is what error messages are made of.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    // These run in a browser as well as in Node: tests, `/node` entries and the native backend aside, no Node globals.
    files: ['packages/*/src/**/*.ts', 'apps/browser/src/**/*.ts'],
    ignores: ['**/*.test.ts', 'packages/*/src/node.ts', 'packages/*/src/node/**', 'packages/tfjs-backend-onednn/**'],
    rules: {
      'no-restricted-globals': ['error', 'process', 'Buffer', 'global', 'setImmediate', '__dirname', 'require'],
    },
  },
  { files: ['**/*.js', '**/*.cjs'], ...tseslint.configs.disableTypeChecked },
);
