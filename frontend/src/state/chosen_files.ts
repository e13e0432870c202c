import type { PickedFile } from "../lib/dropped_files";
import { createStore } from "../lib/store";

/** Files a person chose with a button, on their way to the uploads' strip (which also takes what is dropped). */
export const chosenFiles = createStore<readonly PickedFile[], readonly PickedFile[]>((_current, files) => files, []);
