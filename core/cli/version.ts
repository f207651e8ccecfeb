/** The version of the product, as `package.json` has it. */
import manifest from '../../package.json' with {type: 'json'};

export const productVersion: string = manifest.version;
/** The least Bun that the core runs on. */
export const leastBun: string = manifest.dependencies.bun;
