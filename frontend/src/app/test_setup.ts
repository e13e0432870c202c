import { cleanup } from "@testing-library/react";
import { afterEach, vi } from "vitest";

/** A test of pure code says `@vitest-environment node` and starts at once; the others have a page. */
if (typeof window !== "undefined") {
  // jsdom draws nothing, so it has neither of these.
  vi.stubGlobal("matchMedia", (query: string) => ({ matches: false, media: query, addEventListener: () => undefined }));
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe(): void {
        return undefined;
      }
      unobserve(): void {
        return undefined;
      }
      disconnect(): void {
        return undefined;
      }
    },
  );
  afterEach(() => {
    cleanup();
    localStorage.clear();
  });
}
