import type {TemplateFunction} from '../../../gotemplate/builtin/functions.js'
import {sprigLists} from './lists.js'
import {sprigPatterns} from './patterns.js'
import {sprigText} from './text.js'
import {sprigValues} from './values.js'

const random = 'its result differs each time, so that a file would never be settled'
const time = 'its result depends on the time or the time zone: timestamp formats the time'
const secret = 'a template makes no keys, certificates or passwords'
const outside = 'it reads from outside of Consul: env reads variables'
const words = 'it splits words by rules of its own: toLower and replaceAll are there'
const decimal = 'it counts with decimals: add, subtract, multiply and divide are there'
const rare = 'it is not built'

/** Functions of sprig that are not supported, each with the reason. */
export const refusedSprig: Readonly<Record<string, string>> = Object.fromEntries(
  (
    [
      [random, 'randAlphaNum randAlpha randAscii randNumeric randInt randBytes shuffle uuidv4'],
      [
        time,
        'ago date date_in_zone date_modify dateInZone dateModify duration durationRound htmlDate htmlDateInZone must_date_modify mustDateModify mustToDate now toDate unixEpoch',
      ],
      [
        secret,
        'bcrypt htpasswd genPrivateKey derivePassword buildCustomCert genCA genCAWithKey genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey encryptAES decryptAES',
      ],
      [outside, 'env expandenv getHostByName'],
      [words, 'snakecase camelcase kebabcase swapcase'],
      [decimal, 'add1f addf subf divf mulf toDecimal'],
      [rare, 'hello seq semver semverCompare dig deepCopy mustDeepCopy urlParse urlJoin'],
    ] as const
  ).flatMap(([reason, names]) => names.split(' ').map(name => [`sprig_${name}`, reason])),
)

/**
 * The supported functions of sprig, with consul-template's prefix `sprig_`. Functions whose result is random or depends
 * on the machine are left out.
 */
export const sprigFunctions: readonly (readonly [string, TemplateFunction])[] = [
  ...sprigText,
  ...sprigLists,
  ...sprigValues,
  ...sprigPatterns,
].map(([name, fn]) => [`sprig_${name}`, fn])
