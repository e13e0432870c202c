import { useEffect, useState } from "react";

import type { Upload } from "../../api/records";
import { findLeftovers, forgetLeftovers } from "../../api/upload_center";

let askedFor: number | undefined;

/** Uploads of earlier visits that were cut off; asked once per person and page. */
export function useLeftovers(userId: number): { readonly cutOff: readonly Upload[]; readonly forget: () => void } {
  const [cutOff, setCutOff] = useState<readonly Upload[]>([]);
  useEffect(() => {
    if (askedFor === userId) return;
    askedFor = userId;
    void findLeftovers()
      .then(setCutOff)
      .catch(() => {
        askedFor = undefined; // offline: asked again on the next page
      });
  }, [userId]);
  return {
    cutOff,
    forget: () => {
      void forgetLeftovers(cutOff);
      setCutOff([]);
    },
  };
}
