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
  const isScaled = Math.abs((follower.viewport.getCamera().parallelScale ?? 0) / parallelScale - 1) < 1e-4;
  if (!isScaled) follower.viewport.setCamera({ parallelScale });
  const [x, y] = leader.locate(leading).point;
  const [fromX, fromY] = follower.locate(followed).point;
  if (isScaled && Math.hypot(fromX - x, fromY - y) < 0.5) return;
  move(follower, (fromX - x) * mmPerPixel, (fromY - y) * mmPerPixel);
}

/** Look at what lies so many millimetres further to the right and down. */
function move(view: View, rightMm: number, downMm: number): void {
  const { right, down } = view.place();
  const shift = add(scale(right, rightMm), scale(down, downMm));
  const { focalPoint, position } = view.viewport.getCamera();
  if (!focalPoint || !position) return;
  const moved = (point: Types.Point3) => add(point, shift) as unknown as Types.Point3;
  view.viewport.setCamera({ focalPoint: moved(focalPoint), position: moved(position) });
  view.viewport.render();
}
