import type { Types } from "@cornerstonejs/core";

import { add, scale } from "../lib/vectors";
import type { Triple } from "../state/planes";
import type { View } from "./view";

/** A pane and the voxel under its crosshair. */
export interface Aimed {
  readonly view: View;
  readonly cursor: Triple;
}

/**
 * Give a pane the scale of another, in millimetres on the screen, and bring its crosshair to the same place of its
 * element: what belongs together then lies side by side, however either is zoomed and panned.
 */
export function alignPane({ view: follower, cursor: followed }: Aimed, { view: leader, cursor: leading }: Aimed): void {
  const wanted = leader.viewport.getCamera().parallelScale;
  const height = leader.element.clientHeight;
  if (!wanted || height === 0 || !leader.isDrawn || !follower.isDrawn) return;
  const mmPerPixel = (2 * wanted) / height;
  const parallelScale = (mmPerPixel * follower.element.clientHeight) / 2;
  follower.viewport.setCamera({ parallelScale });
  const [x, y] = leader.locate(leading).point;
  const [fromX, fromY] = follower.locate(followed).point;
  const { right, down } = follower.place();
  const shift = add(scale(right, (fromX - x) * mmPerPixel), scale(down, (fromY - y) * mmPerPixel));
  const { focalPoint, position } = follower.viewport.getCamera();
  if (!focalPoint || !position) return;
  const moved = (point: Types.Point3) => add(point, shift) as unknown as Types.Point3;
  follower.viewport.setCamera({ focalPoint: moved(focalPoint), position: moved(position) });
  follower.viewport.render();
}
