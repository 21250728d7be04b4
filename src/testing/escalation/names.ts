/** Rights to one object by its name, stretched to others: what names none is about all. */
import { type Attempt, mergePatch } from './attempt.ts'

const secretsOf = (namespace: string) => `/api/v1/namespaces/${namespace}/secrets`
const podsOf = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`

export const nameAttempts: readonly Attempt[] = [
  {
    name: 'lists all that it may read one of',
    as: 'named',
    path: secretsOf('team-a'),
    says: 'cannot list resource "secrets"',
  },
  { name: 'watches all', as: 'named', path: `${secretsOf('team-a')}?watch=1`, says: 'cannot watch resource "secrets"' },
  { name: 'reads another', as: 'named', path: `${secretsOf('team-a')}/closed`, says: 'cannot get resource "secrets"' },
  {
    name: 'selects another by name',
    as: 'named',
    path: `${secretsOf('team-a')}?fieldSelector=metadata.name%3Dclosed`,
    says: 'cannot list resource "secrets"',
  },
  {
    name: 'selects all but one',
    as: 'named',
    path: `${secretsOf('team-a')}?fieldSelector=metadata.name!%3Dopen`,
    says: 'cannot list resource "secrets"',
  },
  {
    name: 'selects by a field that holds the name elsewhere',
    as: 'named',
    path: `${secretsOf('team-a')}?fieldSelector=type%3Dopen`,
    says: 'cannot list resource "secrets"',
  },
  {
    name: 'sends a second selector that is not looked at',
    as: 'named',
    path: `${secretsOf('team-a')}?fieldSelector=&fieldSelector=metadata.name%3Dopen`,
    says: 'cannot list resource "secrets"',
  },
  {
    name: 'selects a name that is a path',
    as: 'named',
    path: `${secretsOf('team-a')}?fieldSelector=metadata.name%3Dopen%2F..%2Fclosed`,
    says: 'cannot list resource "secrets"',
  },
  {
    name: 'selects by labels',
    as: 'named',
    path: `${secretsOf('team-a')}?labelSelector=metadata.name%3Dopen`,
    says: 'cannot list resource "secrets"',
  },
  {
    name: 'deletes all by way of one name',
    as: 'named',
    method: 'DELETE',
    path: `${secretsOf('team-a')}?fieldSelector=metadata.name%3Dopen`,
    says: 'cannot deletecollection resource "secrets"',
  },
  {
    name: 'deletes all',
    as: 'named',
    method: 'DELETE',
    path: secretsOf('team-a'),
    says: 'cannot deletecollection resource "secrets"',
  },
  {
    name: 'creates what it may only have by that name',
    as: 'named',
    method: 'POST',
    path: secretsOf('team-a'),
    body: { metadata: { name: 'open' } },
    says: 'cannot create resource "secrets"',
  },
  {
    name: 'names another in the object than in the path',
    as: 'named',
    method: 'PUT',
    path: `${secretsOf('team-a')}/open`,
    body: { metadata: { name: 'closed' } },
    code: 400,
    says: 'does not match the name on the URL',
  },
  {
    name: 'renames by a patch',
    as: 'named',
    method: 'PATCH',
    path: `${secretsOf('team-a')}/open`,
    headers: mergePatch,
    body: { metadata: { name: 'closed' } },
    code: 400,
    says: 'does not match the name on the URL',
  },
  {
    name: 'watches another by the older path',
    as: 'named',
    path: '/api/v1/watch/namespaces/team-a/secrets/closed',
    says: 'cannot watch resource "secrets"',
  },
  {
    name: 'watches all by the older path, with a selector that it does not heed',
    as: 'named',
    path: '/api/v1/watch/namespaces/team-a/secrets?fieldSelector=metadata.name%3Dopen',
    says: 'cannot watch resource "secrets"',
  },
  {
    name: 'reads the log of another pod',
    as: 'named',
    path: `${podsOf('team-a')}/new/log`,
    says: 'cannot get resource "pods/log"',
  },
]
