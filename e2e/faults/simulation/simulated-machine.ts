/** Stands in for what the runner asks of a disk and of threads, whose time no seed decides. */
import { ok } from '@holdfast/protocol/error.ts';
import type { Screen } from '@holdfast/protocol/screen.ts';
import type { CheckpointFiles } from '@holdfast/runner/terminal/checkpoint-files.ts';
import type { RecordingDisk as Disk } from '@holdfast/runner/recordings/recording-disk.ts';
import type { UploadDisk } from '@holdfast/runner/uploads/upload-disk.ts';
import type { ScreenModels } from '@holdfast/runner/terminal/screen-models.ts';

export const prepareRoots = async (roots: readonly string[]) => ok([...roots]);
export const resolveWorkspacePath = async (_roots: readonly string[], path: string) => ok(path);
export const existingWorkspacePath = async (_roots: readonly string[], path: string) => ok(path);

export const createCheckpointFiles = (): CheckpointFiles => ({
  read: () => Promise.resolve(null),
  write: () => Promise.resolve(),
  remove: () => Promise.resolve(),
});

/** No run uploads anything. */
export const createUploadDisk = (): Pick<UploadDisk, 'scan' | 'directoryOf'> => ({
  scan: () => Promise.resolve([]),
  directoryOf: (sessionId) => `/simulated/uploads/${sessionId}`,
});
/** No run records anything. */
export class RecordingDisk implements Pick<Disk, 'scan'> {
  scan(): Promise<[]> {
    return Promise.resolve([]);
  }
}

export class ScreenThreadLost extends Error {}

export const createScreenModels = (): ScreenModels => ({
  open: (base: Screen) => ({
    lost: false,
    write: () => Promise.resolve(false),
    skip: () => undefined,
    resize: () => undefined,
    snapshot: () => Promise.resolve({ screen: base, text: '', whole: true }),
    close: () => undefined,
  }),
  close: () => Promise.resolve(),
});
