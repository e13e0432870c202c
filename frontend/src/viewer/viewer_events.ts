import type { Plane, Triple } from "../state/planes";
import type { Window } from "./view";

/** What lies under the pointer. */
export interface Readout {
  plane: Plane;
  voxel: Triple;
  /** One value, or red, green and blue; undefined until the image has arrived. */
  values: number[] | undefined;
}

export interface BrushGesture {
  phase: "start" | "move" | "end";
  tool: "brush" | "eraser";
  plane: Plane;
  voxel: Triple | undefined;
}

export interface ViewerEvents {
  onFirstImage: () => void;
  onProgress: (share: number) => void;
  onComplete: () => void;
  onFailure: (message: string) => void;
  onWindow: (window: Window) => void;
  onCursor: (voxel: Triple) => void;
  onHover: (readout: Readout | undefined) => void;
  onBrush: (gesture: BrushGesture) => void;
  onPoint: (voxel: Triple) => void;
  onOverlayDrawn: () => void;
  /** A pane has been zoomed, panned or scrolled. */
  onCamera?: () => void;
}
