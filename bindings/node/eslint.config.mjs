import js from '@eslint/js';
import typescript from 'typescript-eslint';

export default typescript.config(
  { ignores: ['dist/', 'dist.new/', 'native/'] },
  js.configs.recommended,
  {
    files: ['ts/**/*.ts', 'ts/**/*.mts'],
    extends: [typescript.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      // A number in a message is what it looks like.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // The native part is loaded by a name that is known only at run time.
      '@typescript-eslint/no-require-imports': 'off',
      // An empty answer still has a status and headers for who asks for them.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Where `fromJSON` and `settle` take the type, the caller is who knows it.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
    },
  },
  {
    files: ['test/**/*.mjs', 'test/**/*.cjs', '*.mjs'],
    languageOptions: {
      globals: {
        AbortController: 'readonly',
        Buffer: 'readonly',
        Headers: 'readonly',
        TextEncoder: 'readonly',
        AbortSignal: 'readonly',
        URL: 'readonly',
        URLSearchParams: 'readonly',
        console: 'readonly',
        fetch: 'readonly',
        performance: 'readonly',
        process: 'readonly',
        require: 'readonly',
        setImmediate: 'readonly',
        setTimeout: 'readonly',
        structuredClone: 'readonly',
      },
    },
  },
);
