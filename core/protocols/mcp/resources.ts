/** Reading and listing resources. What is read is the REST body of the same thing. */
import type {ReadResourceResult, Resource} from '@modelcontextprotocol/server';
import {CellError} from '../../../shared/errors.ts';
import {artifactsList} from '../../../shared/wire/artifacts.ts';
import {covers, type Contract} from '../../../shared/wire/contract.ts';
import {notesList} from '../../../shared/wire/notes.ts';
import type {Calling} from './call-tool.ts';
import {known, refusal} from './failure.ts';
import {
  collectionLimit,
  collections,
  templates,
  uriOf,
  uriOfCollection,
  type Template,
} from './resource-table.ts';

const jsonType = 'application/json';
const uriForm =
  /^cellstate:\/\/([a-z]+)(?:\/([^/?#]{1,600})(?:\/([a-z]+)(?:\?([a-z_]+)=([0-9]{1,9}))?)?)?$/;

/** Reads a resource. Throws what the protocol puts on the wire. */
export async function readResource(uri: string, of: Calling): Promise<ReadResourceResult> {
  try {
    const [, name = '', id, tail, query, number] = uriForm.exec(uri) ?? [];
    const found =
      id === undefined
        ? await readCollection(name, of)
        : await readOne({name, id: decoded(id), tail, query, number}, of);
    return {contents: [{uri, ...found}]};
  } catch (error) {
    throw refusal(of.failures, known(of.failures, error, of.call), uri);
  }
}

type Read = {readonly mimeType: string} & ({readonly text: string} | {readonly blob: string});

const missing = (): CellError => new CellError('ENTITY_NOT_FOUND', 'no such resource');

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) throw missing();
    throw error;
  }
}

async function readCollection(name: string, of: Calling): Promise<Read> {
  const collection = collections.find((one) => one.name === name);
  if (collection === undefined) throw missing();
  const {body} = await of.ask(collection.contract, {limit: collectionLimit}, of);
  return {mimeType: jsonType, text: JSON.stringify(body)};
}

type Named = {
  readonly name: string;
  readonly id: string;
  readonly tail: string | undefined;
  readonly query: string | undefined;
  readonly number: string | undefined;
};

async function readOne({name, id, tail, query, number}: Named, of: Calling): Promise<Read> {
  const template = templates.find((one) => one.name === name && one.tail === tail);
  if (template === undefined || (query !== undefined && query !== template.query)) throw missing();
  const {contract, member, more} = template;
  const asked = query === undefined ? {} : {[query]: Number(number)};
  const {body} = await of.ask(contract, {...more, ...asked, [member]: id}, of);
  if (tail === 'content') return contentOf(body as {content: string | null; media_type: string});
  if (tail === 'context') {
    return {mimeType: 'text/markdown', text: (body as {context: string}).context};
  }
  if (typeof body === 'string') return {mimeType: contract.produces ?? 'text/plain', text: body};
  return {mimeType: jsonType, text: JSON.stringify(body)};
}

/** Media types whose contents are bytes, which an artifact keeps in base64. */
const bytesForm =
  /^(?:image|audio|video|font)\/(?!svg)|^application\/(?:octet-stream|pdf|zip|gzip)\b/;
const base64Form = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function contentOf({content, media_type}: {content: string | null; media_type: string}): Read {
  if (content === null) throw new CellError('CONTENT_GONE', 'the content no longer exists');
  const isBytes = bytesForm.test(media_type) && base64Form.test(content);
  return isBytes ? {mimeType: media_type, blob: content} : {mimeType: media_type, text: content};
}

const pageLimit = 100;
/** The collections stand first, then notes, then artifacts, each newest first. */
const listed = [
  {
    name: 'note',
    plural: 'notes',
    contract: notesList as Contract,
    idKey: 'note_id',
    titled: 'title',
  },
  {
    name: 'artifact',
    plural: 'artifacts',
    contract: artifactsList as Contract,
    idKey: 'artifact_id',
    titled: 'name',
  },
] as const;

type Page = {readonly resources: Resource[]; readonly nextCursor?: string};

/** One page of the resources that a caller may read. A cursor names the list and goes on in it. */
export async function listResources(cursor: string | undefined, of: Calling): Promise<Page> {
  try {
    const [plural = listed[0].plural, inList = ''] = cursor?.split(/:(.*)/s) ?? [];
    const index = listed.findIndex((one) => one.plural === plural);
    const list = listed[index];
    if (list === undefined) throw new CellError('INVALID_FORMAT', 'cursor is not one of this list');
    const first = cursor === undefined ? collectionsFor(of) : [];
    if (!covers(of.actor.scopes, list.contract.may)) return {resources: first};
    const stated = {limit: pageLimit, ...(inList === '' ? {} : {cursor: inList})};
    const body = (await of.ask(list.contract, stated, of)).body as Record<string, unknown>;
    const items = body[list.plural] as Record<string, unknown>[];
    const resources = items.map((item) => ({
      uri: uriOf(list.name, String(item[list.idKey])),
      name: String(item[list.titled]),
      mimeType: jsonType,
    }));
    const after = listed[index + 1];
    const next =
      body['next_cursor'] === null
        ? after && `${after.plural}:`
        : `${list.plural}:${body['next_cursor'] as string}`;
    return {resources: [...first, ...resources], ...(next === undefined ? {} : {nextCursor: next})};
  } catch (error) {
    throw refusal(of.failures, known(of.failures, error, of.call));
  }
}

const collectionsFor = ({actor}: Calling): Resource[] =>
  collections
    .filter(({contract}) => covers(actor.scopes, contract.may))
    .map((one) => ({
      uri: uriOfCollection(one),
      name: one.name,
      title: one.title,
      description: one.description,
      mimeType: jsonType,
    }));

const completedMost = 1_000;

/** Ids that complete what was typed: by the start of an id, or by any part of a name. */
export async function completeId(
  typed: string,
  from: Template['from'],
  idKey: string,
  of: Calling,
): Promise<string[]> {
  if (from === undefined || !covers(of.actor.scopes, from.list.may)) return [];
  try {
    const {body} = await of.ask(from.list, {limit: completedMost}, of);
    const items = (body as Record<string, unknown>)[from.plural] as Record<string, unknown>[];
    const wanted = typed.toLowerCase();
    return items
      .filter(
        (item) =>
          String(item[idKey]).startsWith(wanted) ||
          ((item[from.named] ?? '') as string).toLowerCase().includes(wanted),
      )
      .map((item) => String(item[idKey]));
  } catch (error) {
    throw refusal(of.failures, known(of.failures, error, of.call));
  }
}
