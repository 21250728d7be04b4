/**
 * Defaults that depend on other fields; constant ones stand with their field as `.default(...)`. Each function completes
 * one freshly decoded message in place. Upstream: the `SetDefaults_*` functions of `pkg/apis/<group>/<version>/defaults.go`.
 */
import type { Message } from './schema.ts'

type Draft = Record<string, any>

const table: (readonly [Message, (draft: Draft) => void])[] = []

export const defaulters: ReadonlyMap<Message, (draft: Draft) => void> = new Map(table)
