import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const backend = "http://127.0.0.1:8000";

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
    proxy: {
      "/api": backend,
      "/admin": backend,
      "/ws": { target: backend, ws: true },
    },
  },
});
