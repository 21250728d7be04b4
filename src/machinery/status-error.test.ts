import { describe, expect, it } from 'vitest'
import {
  alreadyExists,
  conflict,
  forbidden,
  gone,
  internalError,
  invalid,
  isStatus,
  notFound,
  OPTIMISTIC_LOCK_MESSAGE,
  StatusError,
} from './status-error.ts'

const pods = { group: '', plural: 'pods' }
const deployments = { group: 'apps', plural: 'deployments' }
const problem = (field: string, message: string) => ({ type: 'Invalid' as const, field, message })

describe('a StatusError', () => {
  it.each([
    [notFound(pods, 'a'), 404, 'NotFound', 'pods "a" not found', { name: 'a', kind: 'pods' }],
    [
      alreadyExists(deployments, 'a'),
      409,
      'AlreadyExists',
      'deployments.apps "a" already exists',
      { name: 'a', group: 'apps', kind: 'deployments' },
    ],
    [
      conflict(deployments, 'a', OPTIMISTIC_LOCK_MESSAGE),
      409,
      'Conflict',
      'Operation cannot be fulfilled on deployments.apps "a": the object has been modified; please apply your changes to the latest version and try again',
      { name: 'a', group: 'apps', kind: 'deployments' },
    ],
    [forbidden(pods, '', 'no'), 403, 'Forbidden', 'pods is forbidden: no', { kind: 'pods' }],
    [internalError('x'), 500, 'InternalError', 'Internal error occurred: x', { causes: [{ message: 'x' }] }],
    [gone('old'), 410, 'Expired', 'old', undefined],
    [
      invalid({ group: '', kind: 'Pod' }, 'a', [problem('spec.x', 'Invalid value: 1: bad')]),
      422,
      'Invalid',
      'Pod "a" is invalid: spec.x: Invalid value: 1: bad',
      {
        name: 'a',
        kind: 'Pod',
        causes: [{ reason: 'FieldValueInvalid', message: 'Invalid value: 1: bad', field: 'spec.x' }],
      },
    ],
  ] as const)('%s', (error, code, reason, message, details) => {
    expect(error.toStatus()).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      code,
      reason,
      message,
      ...(details && { details }),
    })
    expect(StatusError.from(error.toStatus())).toMatchObject({ code, reason, message })
    expect(isStatus(error, reason)).toBe(true)
    expect(isStatus(error, 'Gone')).toBe(false)
  })

  it('of several fields names them all', () => {
    const error = invalid({ group: 'apps', kind: 'Deployment' }, 'a', [problem('x', '1'), problem('y', '2')])
    expect(error.message).toBe('Deployment.apps "a" is invalid: [x: 1, y: 2]')
  })

  it('carries a token to go on with', () => {
    const status = gone('old', 'token').toStatus()
    expect(status.metadata).toEqual({ continue: 'token' })
    expect(StatusError.from(status).continueToken).toBe('token')
  })

  it('can be made of a Status that says little', () => {
    const error = StatusError.from({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' })
    expect(error).toMatchObject({ code: 500, reason: '', message: 'unknown' })
  })
})
