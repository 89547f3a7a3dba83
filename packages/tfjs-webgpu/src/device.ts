import { WebGpuError } from './error.js';

/** Limits that a device only has if they are asked for, and that training can do with more of. */
const wanted = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** Features that the backend makes use of where they exist. */
const useful: GPUFeatureName[] = ['timestamp-query', 'bgra8unorm-storage'];

/** The limits of a device that decide what it can train, as the GPU has them. */
export type DeviceLimits = Readonly<Record<(typeof wanted)[number], number>>;

/** A device with all that its adapter has to offer. @throws WebGpuError if the adapter gives none. */
export async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredLimits = limitsOf(adapter.limits);
  const requiredFeatures = useful.filter((feature) => adapter.features.has(feature));
  try {
    return await adapter.requestDevice({ requiredLimits, requiredFeatures });
  } catch (error) {
    throw new WebGpuError(
      `the GPU ${describeAdapter(infoOf(adapter))} gives no device (${(error as Error).message.split('\n')[0] ?? ''})`,
      'end other programs that use it, or update its driver',
      { cause: error },
    );
  }
}

export function limitsOf(limits: GPUSupportedLimits): DeviceLimits {
  return Object.fromEntries(wanted.map((name) => [name, limits[name]])) as DeviceLimits;
}

/** What a driver tells of itself. The types of WebGPU that come with the backend are older than this property. */
export function infoOf(adapter: GPUAdapter): GPUAdapterInfo {
  return (adapter as GPUAdapter & { info: GPUAdapterInfo }).info;
}

function describeAdapter({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return description || [vendor, architecture, device].filter(Boolean).join(' ') || 'of unknown make';
}

/** Whether an adapter computes on the processor: SwiftShader, llvmpipe (lavapipe), WARP. */
export function isSoftware(adapter: GPUAdapter): boolean {
  const info = infoOf(adapter);
  const { vendor, architecture, device, description } = info;
  const named = /swiftshader|llvmpipe|lavapipe|basic render/i.test(
    [vendor, architecture, device, description].join(' '),
  );
  return named || (info as { isFallbackAdapter?: boolean }).isFallbackAdapter === true;
}
