import type {Authorizer} from '../acl/authorizer.js'
import type {Resource, ScalarResource} from '../acl/rules.js'
import {type Decoded, decodeList, type Fields} from '../go/decode.js'
import {JsonError, parseGoJson} from '../go/json-parse.js'
import type {Call} from '../http/call.js'
import {jsonReply, type Reply} from '../http/reply.js'
import type {Route} from '../http/route.js'
import {badRequest, HttpError} from '../refusals.js'
import {aclStore} from './acl.js'

const fields: Fields = {Resource: 'string', Segment: 'string', Access: 'string'}
const mostQuestions = 64

const named: readonly Resource[] = ['agent', 'event', 'key', 'node', 'query', 'service', 'session']
const scalars: readonly ScalarResource[] = ['acl', 'keyring', 'operator']

async function questionsOf(call: Call): Promise<readonly Decoded[]> {
  const text = await call.textBody()
  try {
    const body = parseGoJson(text)
    return body === null ? [] : decodeList(body, '', fields)
  } catch (error) {
    if (error instanceof JsonError) throw badRequest(`Bad request: Failed to decode request body: ${error.message}`)
    throw error
  }
}

function isAllowed(may: Authorizer, question: Decoded): boolean {
  const [resource, segment, access] = [
    question.string('Resource'),
    question.string('Segment'),
    question.string('Access'),
  ]
  if (resource === 'intention') throw new HttpError(501, 'baton dev does not serve Connect: the resource intention')
  const scalar = scalars.find(name => name === resource)
  const name = named.find(name => name === resource)
  if (!scalar && !name) throw badRequest(`Bad request: Invalid ACL resource requested: ${JSON.stringify(resource)}`)
  if (name === 'key' && access === 'write-prefix') return may.canWriteBelow(segment)
  if (name === 'key' && access === 'list') return may.can(name, segment, access)
  if (access !== 'read' && access !== 'write') {
    throw badRequest(`Bad request: Invalid access level for ${resource} resource: ${access}`)
  }
  return name ? may.can(name, segment, access) : may.canScalar(scalar as ScalarResource, access)
}

/** Reports which of the requested permissions the token has. Does not read or change any resource. */
async function authorize(call: Call): Promise<Reply> {
  aclStore(call)
  const questions = await questionsOf(call)
  if (questions.length > mostQuestions) {
    throw badRequest(`Bad request: Refusing to process more than ${mostQuestions} authorizations at once`)
  }
  if (questions.length === 0) return jsonReply([])
  return await call.rpc(call.target(), () => {
    const {may} = call
    const answers = questions.map(question => ({
      Resource: question.string('Resource'),
      Segment: question.string('Segment') || undefined,
      Access: question.string('Access'),
      Allow: isAllowed(may, question),
    }))
    return jsonReply(answers)
  })
}

export const aclAuthorizeRoutes: readonly Route[] = [
  {path: '/v1/internal/acl/authorize', methods: ['POST'], handle: authorize},
]
