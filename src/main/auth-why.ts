/** `rostrum auth why`: reads the roles and bindings, and asks the API server for its word. */
import {
  allResources,
  clusterRoleBindings,
  clusterRoles,
  customResourceDefinitions,
  roleBindings,
  roles,
  subjectAccessReviews,
} from '#api/resources.ts'
import { explain, type Explanation, type Question } from '#cli/why/explanation.ts'
import type { Verdict } from '#cli/why/explanation-text.ts'
import { type KnownResource, questionOf, type Words } from '#cli/why/question.ts'
import type { Client } from '#client/client.ts'

export interface Answer {
  question: Question
  verdict: Verdict
  explanation: Explanation
}

/** Throws CliError for a resource that is not known, StatusError where the client may not read what it takes. */
export async function authWhy(client: Client, words: Words): Promise<Answer> {
  const question = questionOf(words, [...allResources, ...(await customResources(client))])
  const [verdict, ...lists] = await Promise.all([
    verdictOn(client, question),
    client.list(clusterRoles),
    client.list(clusterRoleBindings),
    client.list(roles),
    client.list(roleBindings),
  ])
  const explanation = explain(question, {
    clusterRoles: lists[0].items,
    clusterRoleBindings: lists[1].items,
    roles: lists[2].items,
    roleBindings: lists[3].items,
  })
  return { question, verdict, explanation }
}

async function customResources(client: Client): Promise<KnownResource[]> {
  const { items } = await client.list(customResourceDefinitions)
  return items.map(({ spec: { group, names, scope } }) => ({
    group,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    namespaced: scope === 'Namespaced',
  }))
}

async function verdictOn(client: Client, question: Question): Promise<Verdict> {
  const { user, verb, path, group, resource, subresource, namespace, name } = question
  const about =
    path === undefined
      ? { resourceAttributes: { verb, group, resource, subresource, namespace, name } }
      : { nonResourceAttributes: { verb, path } }
  const spec = { user: user.name, groups: [...user.groups], ...about }
  const { status } = await client.create(subjectAccessReviews, { metadata: {}, spec })
  return { allowed: status?.allowed === true, reason: status?.reason }
}
