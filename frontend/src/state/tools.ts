/** What the left mouse button or one finger does on an image. */
export type ToolId =
  "crosshair" | "window" | "zoom" | "pan" | "scroll" | "length" | "brush" | "eraser" | "cut" | "point";
