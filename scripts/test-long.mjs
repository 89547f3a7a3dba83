// npm run test:long: the sweeps that `npm test` leaves out, as each takes minutes somewhere (`*.long.test.ts`).
import { conclude, packages, runTests, sum, testFiles } from './lib.mjs';
import { setUp } from './setup.mjs';

setUp();
const results = packages().map((one) => {
  const result = runTests('long', one, testFiles(one.path, /\.long\.test\.ts$/), { BAG_TEST_LONG: '1' });
  if (result.passed + result.failed.length > 0) console.log(`${one.name}: ${result.passed} passed`);
  for (const line of result.failed) console.log(`  FAIL ${line}`);
  return result;
});
conclude(sum(results));
