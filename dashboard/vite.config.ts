import { defineConfig } from "vite";

/** Where `npm run dev` finds a node; `nocarrier run` and `nocarrier demo` listen there. */
const node = "http://127.0.0.1:7070";

export default defineConfig({
  // Relative, so that the page also works when it is mounted under a prefix.
  base: "./",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    outDir: "../src/nocarrier/web/page/built",
    emptyOutDir: true,
    assetsDir: "assets",
    // A data: URI would have to be allowed in the page's Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: false,
    target: "es2022",
  },
  server: { proxy: { "/api": { target: node, changeOrigin: true } } },
});
