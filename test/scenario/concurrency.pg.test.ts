/** Many callers at once, on a server. */
import {freshPostgres} from '../support/database.ts';
import {describeConcurrency} from './concurrency-cases.ts';

describeConcurrency(freshPostgres);
