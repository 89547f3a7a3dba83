/** Signed distance from a point to a shape of about unit radius: negative inside. */
export type Shape = (x: number, y: number) => number;

const { abs, atan2, cos, hypot, max, min, PI, sin } = Math;

const segment = (x: number, y: number, ax: number, ay: number, bx: number, by: number): number => {
  const [dx, dy] = [bx - ax, by - ay];
  const t = min(1, max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
  return hypot(x - ax - t * dx, y - ay - t * dy);
};

/** A stroke along points, `width` wide. */
const stroke =
  (points: [number, number][], width: number): Shape =>
  (x, y) => {
    let nearest = Infinity;
    for (let i = 1; i < points.length; i++) {
      const [a, b] = [points[i - 1], points[i]] as [[number, number], [number, number]];
      nearest = min(nearest, segment(x, y, a[0], a[1], b[0], b[1]));
    }
    return nearest - width / 2;
  };

/** A regular polygon with a corner at the top. */
const polygon =
  (corners: number): Shape =>
  (x, y) => {
    const sector = (2 * PI) / corners;
    const angle = atan2(x, -y);
    const local = angle - sector * Math.round(angle / sector);
    return hypot(x, y) * cos(sector / 2 - abs(local)) - cos(sector / 2);
  };

const box = (x: number, y: number, w: number, h: number): number => max(abs(x) - w, abs(y) - h);

const star: Shape = (x, y) => {
  const sector = (2 * PI) / 5;
  const angle = atan2(x, -y);
  const local = abs(angle - sector * Math.round(angle / sector));
  const [px, py] = [hypot(x, y) * sin(local), hypot(x, y) * cos(local)];
  const [ix, iy] = [0.42 * sin(sector / 2), 0.42 * cos(sector / 2)];
  const [nx, ny] = [1 - iy, ix];
  return (px * nx + (py - 1) * ny) / hypot(nx, ny);
};

const spiral = stroke(
  Array.from({ length: 33 }, (_, i): [number, number] => {
    const angle = (i / 32) * 3.6 * PI;
    const radius = 0.12 + (0.85 * i) / 32;
    return [radius * cos(angle), radius * sin(angle)];
  }),
  0.24,
);

const disc: Shape = (x, y) => hypot(x, y) - 0.9;
const period = 0.62;
const wave = (t: number) => abs(((((t / period) % 1) + 1.5) % 1) - 0.5) * period - period / 4;

/** The classes, most different first: with ten classes the first ten are drawn. */
export const shapes: readonly { name: string; shape: Shape }[] = [
  { name: 'disc', shape: disc },
  { name: 'ring', shape: (x, y) => abs(hypot(x, y) - 0.7) - 0.2 },
  { name: 'square', shape: (x, y) => box(x, y, 0.78, 0.78) },
  { name: 'triangle', shape: polygon(3) },
  { name: 'star', shape: star },
  { name: 'cross', shape: (x, y) => min(box(x, y, 0.95, 0.27), box(x, y, 0.27, 0.95)) },
  { name: 'spiral', shape: spiral },
  {
    name: 'zigzag',
    shape: stroke(
      [
        [-0.95, 0.45],
        [-0.5, -0.45],
        [0, 0.45],
        [0.5, -0.45],
        [0.95, 0.45],
      ],
      0.26,
    ),
  },
  { name: 'stripes', shape: (x, y) => max(hypot(x, y) - 1, wave(x)) },
  { name: 'checkers', shape: (x, y) => max(box(x, y, 0.85, 0.85), wave(x) * wave(y) > 0 ? 0.12 : -0.12) },
  { name: 'crescent', shape: (x, y) => max(hypot(x, y) - 0.9, 0.75 - hypot(x - 0.45, y)) },
  { name: 'arrow', shape: (x, y) => min(box(x + 0.3, y, 0.6, 0.2), polygon(3)(y / 0.6, -(x - 0.45) / 0.6) * 0.6) },
  { name: 'hexagon', shape: polygon(6) },
  {
    name: 'heart',
    shape: (x, y) => min(hypot(abs(x) - 0.42, y + 0.3) - 0.48, max((abs(x) + 0.95 * y - 0.78) / 1.38, -(y + 0.35))),
  },
  { name: 'bar', shape: (x, y) => box(x, y, 1, 0.24) },
  { name: 'ell', shape: (x, y) => min(box(x + 0.5, y, 0.26, 0.9), box(x, y - 0.64, 0.76, 0.26)) },
  { name: 'tee', shape: (x, y) => min(box(x, y + 0.6, 0.9, 0.26), box(x, y, 0.26, 0.86)) },
  { name: 'dots', shape: (x, y) => max(hypot(x, y) - 1, hypot(wave(x), wave(y)) - 0.13) },
  {
    name: 'wave',
    shape: stroke(
      Array.from({ length: 17 }, (_, i): [number, number] => [i / 8 - 1, 0.4 * sin((i / 16) * 4 * PI)]),
      0.24,
    ),
  },
  { name: 'semicircle', shape: (x, y) => max(hypot(x, y + 0.35) - 0.95, -(y + 0.35)) },
];

/** How a shape is drawn; each doubles the classes again. */
export const styles: readonly { name: string; draw: (shape: Shape) => Shape }[] = [
  { name: '', draw: (shape) => shape },
  { name: 'outlined', draw: (shape) => (x, y) => abs(shape(x, y) + 0.1) - 0.1 },
  { name: 'striped', draw: (shape) => (x, y) => max(shape(x, y), wave(x * 1.3 + y * 1.3) - 0.02) },
  { name: 'halved', draw: (shape) => (x, y) => max(shape(x, y), 0.1 - abs(y)) },
  {
    name: 'doubled',
    draw: (shape) => (x, y) => min(shape(x * 2 + 1.1, y * 2), shape(x * 2 - 1.1, y * 2)) / 2,
  },
];
