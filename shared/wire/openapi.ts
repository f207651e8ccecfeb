/** The contract of the document that describes all the others. */
import {z} from 'zod';
import {contract} from './contract.ts';

export const openapiGet = contract({
  id: 'openapi_get',
  method: 'GET',
  path: '//openapi.json',
  may: 'pub',
  summary: 'This document',
  output: z.string(),
  produces: 'application/json',
});
