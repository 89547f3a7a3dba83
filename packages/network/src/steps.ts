import type { Architecture, Node } from './architecture.js';

/** What is computed in one go: a node, or an addition together with the convolution that it follows. */
export interface Step {
  /** Name of the value it gives. */
  name: string;
  inputs: readonly string[];
  node: Node;
  /** The convolution whose BatchNorm takes the addition along. */
  added?: Extract<Node, { kind: 'conv' }>;
  /** Values that no later step takes. */
  lastUses: readonly string[];
}

/** The order of work: an addition is fused with its first input where nothing else takes that. */
export function stepsOf({ nodes }: Pick<Architecture, 'nodes'>): Step[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const uses = new Map<string, number>();
  for (const input of nodes.flatMap(({ inputs }) => inputs)) uses.set(input, (uses.get(input) ?? 0) + 1);
  const fused = new Map<string, Extract<Node, { kind: 'conv' }>>();
  for (const { kind, name, inputs } of nodes) {
    const first = byName.get(inputs[0] ?? '');
    if (kind === 'add' && first?.kind === 'conv' && first.activation === 'none' && uses.get(first.name) === 1) {
      fused.set(name, first);
    }
  }
  const taken = new Set([...fused.values()].map(({ name }) => name));
  const steps = nodes
    .filter(({ name }) => !taken.has(name))
    .map((node) => {
      const added = fused.get(node.name);
      if (added === undefined) return { name: node.name, inputs: node.inputs, node };
      return { name: node.name, inputs: [...added.inputs, ...node.inputs.slice(1)], node, added };
    });
  const last = new Map(steps.flatMap(({ inputs }, i) => inputs.map((input) => [input, i] as const)));
  return steps.map((step, i) => ({ ...step, lastUses: [...last].filter(([, at]) => at === i).map(([name]) => name) }));
}
