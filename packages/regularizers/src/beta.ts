/**
 * λ ~ Beta(α, α), by Jöhnk's method for α ≤ 1 and Cheng's BB otherwise; in logarithms, so that small α gives no 0/0.
 * Source: Jöhnk 1964; Cheng 1978.
 */
export function symmetricBeta(alpha: number, random: () => number): number {
  return alpha <= 1 ? johnk(alpha, random) : cheng(alpha, random);
}

function johnk(alpha: number, random: () => number): number {
  for (;;) {
    const logX = Math.log(1 - random()) / alpha;
    const logY = Math.log(1 - random()) / alpha;
    if (Math.exp(logX) + Math.exp(logY) <= 1) return 1 / (1 + Math.exp(logY - logX));
  }
}

function cheng(alpha: number, random: () => number): number {
  const b = Math.sqrt((2 * alpha - 2) / (2 * alpha * alpha - 2 * alpha));
  const gamma = alpha + 1 / b;
  for (;;) {
    const u1 = 1 - random();
    const u2 = 1 - random();
    const v = b * Math.log(u1 / (1 - u1));
    const w = alpha * Math.exp(v);
    const z = u1 * u1 * u2;
    const r = gamma * v - Math.log(4);
    const s = alpha + r - w;
    if (
      s + 1 + Math.log(5) >= 5 * z ||
      s >= Math.log(z) ||
      r + 2 * alpha * Math.log((2 * alpha) / (alpha + w)) >= Math.log(z)
    ) {
      return w / (alpha + w);
    }
  }
}
