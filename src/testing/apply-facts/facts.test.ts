/** The API server answers as facts say. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KubeObject } from '#api/kind.ts'
import { establish } from '../custom-definition.ts'
import { startTestServer, type TestServer } from '../test-server.ts'
import { custom, thingDefinition } from './custom.ts'
import { requestOf } from './fact.ts'
import { Outcomes } from './outcome.ts'
import { values } from './values.ts'
import { versions } from './versions.ts'
import { workloads } from './workloads.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
  await server.createNamespace('facts')
  await establish(server, thingDefinition)
})
afterAll(() => server.close())

describe('who owns what', () => {
  it.each([...values, ...workloads, ...versions, ...custom].map((fact) => [fact.title, fact] as const))(
    '%s',
    async (_title, fact) => {
      const outcomes = new Outcomes(fact)
      const seen: (readonly string[] | undefined)[] = []
      for (const step of fact.steps) {
        const { method, path, type, body } = requestOf(fact, step, 'facts')
        const headers = { 'content-type': type }
        const answer = await server.fetch(path, { method, headers, ...(body && { body }) })
        const outcome = outcomes.next(answer.status, (await answer.json()) as KubeObject)
        seen.push(step.outcome && outcome)
      }
      expect(seen).toEqual(fact.steps.map((step) => step.outcome))
    },
  )
})
