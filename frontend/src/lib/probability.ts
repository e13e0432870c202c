/** A probability as it is shown: nothing is certain, so what rounds to 0 or 1 says on which side of 0.01 or 0.99. */
export function probabilityText(share: number): string {
  if (share > 0.99) return "> 0.99";
  return share < 0.01 ? "< 0.01" : share.toFixed(2);
}
