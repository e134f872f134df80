export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Scaled down so that no side is longer than `longest`; never enlarged, and no side below one pixel. */
export function fittingSize({ width, height }: Size, longest: number): Size {
  const scale = Math.min(1, longest / Math.max(width, height, 1));
  const scaled = (side: number): number => Math.max(1, Math.round(side * scale));
  return { width: scaled(width), height: scaled(height) };
}
