/** Many callers at once, on the embedded database. */
import {freshPglite} from '../support/database.ts';
import {describeConcurrency} from './concurrency-cases.ts';

describeConcurrency(freshPglite);
