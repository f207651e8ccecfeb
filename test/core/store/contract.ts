/** What every driver of the store promises; one suite, run against each of them. */
import {describe} from 'vitest';
import type {TestDatabase} from '../../support/database.ts';
import {clearContract} from './contract-clear.ts';
import {commitContract} from './contract-commit.ts';
import {isolationContract} from './contract-isolation.ts';
import {plansContract} from './contract-plans.ts';
import {queryContract} from './contract-query.ts';
import {readContract} from './contract-read.ts';
import {rolesContract} from './contract-roles.ts';

export function storeContract(open: () => Promise<TestDatabase>): void {
  describe('commit', () => commitContract(open));
  describe('reads', () => readContract(open));
  describe('queries', () => queryContract(open));
  describe('clearing', () => clearContract(open));
  describe('roles', () => rolesContract(open));
  describe('isolation', () => isolationContract(open));
  describe('plans', () => plansContract(open));
}
