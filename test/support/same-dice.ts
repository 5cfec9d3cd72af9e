/** Before each test file: the values that properties are tried with come from the seed, too. */
import fc from 'fast-check';
import { seed } from './seed.ts';

fc.configureGlobal({ seed });
