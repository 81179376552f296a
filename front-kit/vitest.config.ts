import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    environment: "node",
    restoreMocks: true,
    // The first lint loads ESLint and the TypeScript compiler.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
