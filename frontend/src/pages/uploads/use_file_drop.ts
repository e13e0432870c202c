import { useEffect, useRef, useState } from "react";

import { type PickedFile, takeEntries, walkEntries } from "../../lib/dropped_files";

interface FileDrop {
  /** Files hang over the page. */
  readonly isOver: boolean;
  /** Files found so far while folders are walked; undefined when none is. */
  readonly walked: number | undefined;
}

const carriesFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;

/** Takes files and folders dropped anywhere on the page. */
export function useFileDrop(isEnabled: boolean, onFiles: (files: readonly PickedFile[]) => void): FileDrop {
  const [isOver, setOver] = useState(false);
  const [walked, setWalked] = useState<number>();
  const latest = useRef(onFiles);
  useEffect(() => {
    latest.current = onFiles;
  });
  useEffect(() => {
    if (!isEnabled) return;
    let depth = 0; // of nested elements the drag has entered and not left
    const listeners = {
      dragenter: (event: DragEvent) => {
        if (!carriesFiles(event)) return;
        depth += 1;
        setOver(true);
      },
      dragleave: (event: DragEvent) => {
        if (!carriesFiles(event)) return;
        depth = Math.max(0, depth - 1);
        if (depth === 0) setOver(false);
      },
      dragover: (event: DragEvent) => {
        if (!carriesFiles(event) || !event.dataTransfer) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
      },
      drop: (event: DragEvent) => {
        depth = 0;
        setOver(false);
        if (!carriesFiles(event) || !event.dataTransfer) return;
        event.preventDefault();
        const entries = takeEntries(event.dataTransfer);
        setWalked(0);
        void walkEntries(entries, setWalked)
          .then((files) => latest.current(files))
          .catch(() => latest.current([]))
          .finally(() => setWalked(undefined));
      },
    };
    const bound = Object.entries(listeners) as [keyof typeof listeners, (event: DragEvent) => void][];
    bound.forEach(([name, listener]) => document.addEventListener(name, listener));
    return () => bound.forEach(([name, listener]) => document.removeEventListener(name, listener));
  }, [isEnabled]);
  return { isOver, walked };
}
