/** The first few of many names: `airplane, bird, deer, …`. */
export const some = (names: readonly string[]): string =>
  `${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}`;
