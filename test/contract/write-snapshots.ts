/**
 * Writes what is committed of the contracts: `npm run openapi`.
 *
 * The OpenAPI document, and the hash of the wire under its version. The hash of a version that was
 * released is never written over: bump `wireVersion` instead.
 */
import {readFileSync, writeFileSync} from 'node:fs';
import {openApiOf} from '../../core/http/openapi.ts';
import {wireVersion} from '../../shared/version.ts';
import {contracts} from '../../shared/wire/all.ts';
import {wireHash} from '../support/wire-hash.ts';

type Versions = Record<string, {hash: string; isReleased: boolean}>;

const documentPlace = new URL('../../shared/openapi.json', import.meta.url);
const versionsPlace = new URL('wire-versions.json', import.meta.url);

const versions = JSON.parse(readFileSync(versionsPlace, 'utf8')) as Versions;
const known = versions[wireVersion];
const hash = wireHash();
if (known?.isReleased === true && known.hash !== hash) {
  throw new Error(`wire ${wireVersion} is released as ${known.hash}: bump it in shared/version.ts`);
}
versions[wireVersion] = {hash, isReleased: known?.isReleased ?? false};
writeFileSync(versionsPlace, `${JSON.stringify(versions, null, 2)}\n`);
writeFileSync(documentPlace, `${JSON.stringify(openApiOf(contracts), null, 1)}\n`);
