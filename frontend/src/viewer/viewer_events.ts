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

/** A straight line across an image; its ends lie between voxels. */
export interface CutGesture {
  plane: Plane;
  from: Triple;
  to: Triple;
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
  /** A line has been drawn across; left out where nothing can be cut. */
  onCut?: (gesture: CutGesture) => void;
  onPoint: (voxel: Triple) => void;
  onOverlayDrawn: () => void;
  /** A pane has been zoomed, panned or scrolled. */
  onCamera?: () => void;
}
