import { type Scalar, type Tensor, variableGrads, type Variable } from '@tensorflow/tfjs-core';

/**
 * The value of `f` and its gradient with respect to each parameter, by the parameter's name.
 *
 * @param f A scalar function of the parameters' variables.
 * @param parameters What to differentiate by: trainable parameters only.
 * @returns `{value, gradients}`, all owned by the caller.
 * @throws Error naming the parameters that `f` does not depend on.
 * @example
 * const { value, gradients } = valueAndGradients(() => crossEntropy({ logits: network.apply(x), labels }).mean(), parameters);
 */
export function valueAndGradients(
  f: () => Scalar,
  parameters: readonly { readonly name: string; readonly variable: Variable }[],
): { value: Scalar; gradients: Record<string, Tensor> } {
  const { value, grads } = gradientsOf(f, parameters);
  const gradients: Record<string, Tensor> = {};
  const missing: string[] = [];
  for (const { name, variable } of parameters) {
    const gradient = grads[variable.name];
    if (gradient == null) missing.push(name);
    else gradients[name] = gradient;
  }
  if (missing.length > 0) {
    value.dispose();
    for (const gradient of Object.values(gradients)) gradient.dispose();
    throw new Error(
      `valueAndGradients: the loss does not depend on ${missing.join(', ')}; leave frozen or unused parameters out`,
    );
  }
  return { value, gradients };
}

/** The engine's own message, where nothing depends on any of the parameters, names none of them. */
function gradientsOf(f: () => Scalar, parameters: readonly { readonly name: string; readonly variable: Variable }[]) {
  const before = new Set<Tensor>();
  const variables = parameters.map(({ variable }) => variable);
  try {
    return variableGrads(() => {
      const value = f();
      before.add(value);
      return value;
    }, variables);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('Cannot find a connection'))) throw error;
    for (const value of before) value.dispose();
    const names = parameters.map(({ name }) => name).join(', ');
    throw new Error(`valueAndGradients: the loss does not depend on ${names}; leave frozen or unused parameters out`, {
      cause: error,
    });
  }
}
