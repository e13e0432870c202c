import { cache, getRenderingCapabilities, init as initCore, RenderingEngine } from "@cornerstonejs/core";
import { annotation, init as initTools } from "@cornerstonejs/tools";

import { registerImages } from "./series_images";
import { registerTools } from "./tools";

const ENGINE_ID = "segweb";
/** Room for decoded images; the volume itself lies outside of it. */
const CACHE_BYTES = 1024 ** 3;

let started: { hasWebGl: boolean } | undefined;
let engine: RenderingEngine | undefined;

/** Start Cornerstone3D once. Without WebGL the same views are drawn by the processor. */
export function startEngine(): { hasWebGl: boolean } {
  if (started) return started;
  // One WebGL context serves all views: browsers allow few, and they are drawn one after the other anyway.
  initCore({ rendering: { webGlContextCount: 1 } } as Parameters<typeof initCore>[0]);
  initTools();
  registerImages();
  registerTools();
  styleLengths();
  cache.setMaxCacheSize(CACHE_BYTES);
  started = { hasWebGl: getRenderingCapabilities().webgl };
  return started;
}

/** Lengths in a colour that no segment has. */
function styleLengths(): void {
  const { style } = annotation.config;
  const global = {
    ...style.getDefaultToolStyles()["global"],
    color: "#ffe08a",
    colorHighlighted: "#ffffff",
    colorSelected: "#ffe08a",
    lineWidth: "1.5",
    textBoxColor: "#ffe08a",
    textBoxColorHighlighted: "#ffffff",
    textBoxColorSelected: "#ffe08a",
    textBoxFontFamily: "system-ui, sans-serif",
    textBoxFontSize: "13px",
    textBoxLinkLineColor: "#ffe08a",
  };
  style.setDefaultToolStyles({ ...style.getDefaultToolStyles(), global });
}

export function renderingEngine(): RenderingEngine {
  engine ??= new RenderingEngine(ENGINE_ID);
  return engine;
}

export function forgetImages(): void {
  cache.purgeCache();
}
