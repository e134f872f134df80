/**
 * Property tests draw the same examples in every run, so that a red run can be had again: HOLDFAST_SEED=N draws others.
 * A setup file of vitest.config.ts.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['HOLDFAST_SEED'] ?? 1) });
