import { defineConfig, mergeConfig } from "vitest/config";
import page from "./vite.config.ts";

/** Apart from vite.config.ts, so that the page can be built where vitest is not installed. */
export default mergeConfig(page, defineConfig({ test: { include: ["tests/**/*.test.ts"] } }));
