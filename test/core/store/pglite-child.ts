/** Another process on an embedded database's directory, to be killed: run by `pglite.test.ts`. */
import {openStore} from '../../../core/store/open.ts';
import {commitTo, newHead} from './batches.ts';

const store = await openStore(`pglite:${process.argv[2] ?? ''}`, {autoMigrate: true});
const {tenantNo} = await newHead(store);
for (let i = 0; i < 3; i++) await commitTo(store, tenantNo);
process.stdout.write(`${tenantNo}\n`);
setInterval(() => {}, 1_000);
