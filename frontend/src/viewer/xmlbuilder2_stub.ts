/** Stands in for xmlbuilder2, which vtk.js imports for VTK XML files that SegWeb never reads or writes. */

function refuse(): never {
  throw new Error("VTK XML files are not supported.");
}

export const create = refuse;
export const convert = refuse;
export const fragment = refuse;
export const builder = refuse;
export default { create, convert, fragment, builder };
