import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The browser's Host header is kept: Django compares it with the Origin before it takes a form.
const backend = { target: "http://127.0.0.1:8000", ws: true, changeOrigin: false };

export default defineConfig({
  base: "/",
  plugins: [react()],
  resolve: {
    // vtk.js reaches its XML writer at load, and that one breaks in a bundle; nothing here reads or writes VTK XML.
    alias: { xmlbuilder2: new URL("./src/viewer/xmlbuilder2_stub.ts", import.meta.url).pathname },
  },
  worker: { format: "es" },
  build: {
    outDir: "dist",
    assetsDir: "static/assets",
    target: "es2022",
    // The content security policy allows no data: scripts or styles; small files stay files.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4096,
  },
  server: {
    proxy: { "/api": backend, "/admin": backend, "/static/admin": backend, "/ws": backend },
  },
});
