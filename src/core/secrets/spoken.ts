/** Secrets in sentences: `das Passwort für den Server ist x`, `log in with ada / x`. */
import { isReference, isTechnical, looksSecret } from './looks.ts';
import { mark } from './mark.ts';

/** A password by its name, also with its article or its case at the end. */
const names =
  'pass(?:word|wd|code|phrase|wort)?|pwd?|passwortes|kennwort|losung|mot de passe|mdp|contraseña|contrasena|contrasenya|psk|clave|senha|palavra-passe|пароль|пароля|parola|parolası|şifre(?:si)?|' +
  'has[lł]o|heslo|jelszó|jelszava|lösenord(?:et)?|passord(?:et)?|adgangskoden?|salasana|wachtwoord|κωδικός|secret|token|api[- ]?key';
const verbs =
  "is|it['’]s|was|are|becomes|type|enter|ist|war|lautet|heißt|bleibt|c['’]est|est|était|es|era|és|è|é|sono|är|var|er|jest|brzmi|это|[—–]|είναι|to|to be";
const sentence = new RegExp(
  `(?<![\\p{L}\\p{N}_-])((?:${names})(?:,? [\\p{L}\\p{N}'’@._-]{1,40}){0,7}?(?:,? (?:${verbs})(?: now| again| still| jetzt| wieder| toujours)?:?|:) ["'\`“„«]?)(\\S{6,128})`,
  'giu',
);
/** Name and password side by side, behind a word that says what they are for. */
const pair =
  /(\b(?:log(?:ged)? ?in|sign(?:ed)? ?in|credentials?|creds?|account|anmelden|zugang|zugangsdaten|identifiants?)\b(?: (?:as|with|is|are|using|mit|avec|con|by|via|to))?:? ["'`]?[\w.@+-]{1,64}(?: ?\/ |:| : ?))(\S{6,128})/gi;

/** `use x as the password`. */
const asOne = new RegExp(
  `(?<![\\p{L}\\p{N}_-])((?:use|with|take|set|type|enter|try|mit|nimm|avec|usa|con) ["'\`]?)(\\S{6,128})(?= (?:as|for|als|comme|como|come) (?:the |a |my |your |das |le |la |mot )?(?:\\p{L}{1,20} )?(?:${names})(?![\\p{L}\\p{N}]))`,
  'giu',
);

const trimmed = (word: string): string => word.replace(/[,;.:)\]}"'`»”*]+$/, '');

/** Has the look of a password that somebody tells: letters with digits or signs, and no name of a thing. */
function told(word: string, least: number): boolean {
  if (word.length < least || isReference(word) || !/[A-Za-z\p{L}]/u.test(word) || /[()[\]{}<>|=]/.test(word))
    return false;
  if (/^[A-Z]{2,10}-\d+$|^v?\d+(?:\.\d+)+|^\d+(?:-?[a-z]+)+$|\.[a-z]{1,5}$/i.test(word)) return false;
  if (word.split(/[-_./]/).some(isTechnical) || word.includes('://')) return false;
  if (/^[a-z]+(?:[-_.:/][a-z0-9]+)+$/.test(word)) return false;
  if (/\d/.test(word)) return looksSecret(word, 3, false, false);
  return /[\p{L}\d][!#$%&@?^*+~][\p{L}\d]/u.test(word);
}

/** The text without passwords that a sentence tells. */
export function withoutSpoken(text: string): string {
  return text
    .replace(sentence, (whole, head: string, said: string) => {
      const word = trimmed(said);
      return told(word, /^\S+ \S+ ["'`“„«]?$/.test(head) ? 6 : 8)
        ? head + mark + said.slice(word.length)
        : whole;
    })
    .replace(asOne, (whole, head: string, said: string) => {
      const word = trimmed(said);
      return told(word, 8) ? head + mark + said.slice(word.length) : whole;
    })
    .replace(pair, (whole, head: string, said: string) => {
      const word = trimmed(said);
      return told(word, 8) ? head + mark + said.slice(word.length) : whole;
    });
}
