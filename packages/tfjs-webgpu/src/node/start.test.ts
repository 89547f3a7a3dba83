import { useSoftwareVulkan } from '@bag/testing';
import { expect, test } from 'vitest';
import { Project } from '../fixtures/child.js';
import { describeOnWebGpu } from '../fixtures/on-webgpu.js';

useSoftwareVulkan();

describeOnWebGpu('startWebGpu', () => {
  const project = new Project();
  const print = (...values: string[]) => `console.log(JSON.stringify([${values.join(', ')}]));`;

  test('the process ends by itself, even if nobody releases the engine', () => {
    const { status, stdout } = project.run(`
      await startWebGpu();
      await tf.setBackend('webgpu');
      ${print("(await tf.matMul(tf.ones([64, 64]), tf.ones([64, 64])).data())[0]")}
    `); // prettier-ignore
    expect([status, stdout]).toEqual([0, '[64]']);
  });

  test('a release, and a second one, and a new start', () => {
    const { status, stdout } = project.run(`
      const first = await startWebGpu();
      const again = await startWebGpu();
      await tf.setBackend('webgpu');
      const before = (await tf.add(1, 2).data())[0];
      first.release();
      first.release();
      const gone = [tf.findBackendFactory('webgpu') == null, typeof GPUBuffer];
      const second = await startWebGpu();
      await tf.setBackend('webgpu');
      ${print('first === again', 'before', 'gone', 'first === second', '(await tf.add(1, 3).data())[0]')}
      second.release();
    `);
    expect([status, stdout]).toEqual([0, '[true,3,[true,"undefined"],false,4]']);
  });

  test('two starts at once are one', () => {
    const { stdout } = project.run(`
      const [a, b] = await Promise.all([startWebGpu(), startWebGpu()]);
      ${print('a === b')}
    `);
    expect(stdout).toBe('[true]');
  });

  test('no navigator stays where there was none, and one that was there is as before', () => {
    const { stdout } = project.run(`
      const described = () => JSON.stringify(Object.getOwnPropertyDescriptor(globalThis, 'navigator') ?? null);
      const untouched = described();
      const first = await startWebGpu();
      await tf.setBackend('webgpu');
      const same = untouched === described() && globalThis.navigator?.gpu === undefined;
      first.release();
      const mine = { userAgent: 'mine' };
      Object.defineProperty(globalThis, 'navigator', { value: mine, configurable: true });
      await startWebGpu();
      await tf.setBackend('webgpu');
      ${print('same', 'globalThis.navigator === mine', 'Object.keys(mine)', "tf.env().get('IS_BROWSER')")}
    `);
    expect(stdout).toBe('[true,true,["userAgent"],false]');
  });

  test('the engine survives a reset of TensorFlow.js', () => {
    const { stdout } = project.run(`
      await startWebGpu();
      await tf.setBackend('webgpu');
      tf.registerBackend('other', () => ({ dispose() {} }));
      const factory = tf.findBackendFactory('webgpu');
      tf.engine().reset();
      tf.registerBackend('webgpu', factory);
      await tf.setBackend('webgpu');
      ${print('(await tf.add(2, 3).data())[0]')}
    `);
    expect(stdout).toBe('[5]');
  });

  test('it describes the GPU', () => {
    const { stdout } = project.run(`
      const { release, ...gpu } = await startWebGpu();
      console.log(JSON.stringify(gpu));
    `);
    const gpu = JSON.parse(stdout) as Record<string, unknown> & { limits: Record<string, number> };
    expect(Object.keys(gpu)).toEqual(['vendor', 'architecture', 'description', 'software', 'limits']);
    expect(gpu.software).toBe(/swiftshader|llvmpipe/i.test(stdout));
    // A stem's activations of 32 images of 224² are 103 MB; WebGPU's own default is 128 MiB.
    expect(gpu.limits['maxStorageBufferBindingSize']).toBeGreaterThan(128 * 2 ** 20);
  });
});
