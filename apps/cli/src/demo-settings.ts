/** The shipped configuration that each setting of the demo trains. */
export const demoConfigs = { full: 'demo', small: 'demo-small' } as const;

export type DemoSetting = keyof typeof demoConfigs;

/** What `--setting` takes. */
export const demoSettings = Object.keys(demoConfigs) as DemoSetting[];
