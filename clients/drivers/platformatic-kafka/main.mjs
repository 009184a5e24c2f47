import { serve } from './node/serve.mjs'
import * as adapter from './platformatic.mjs'

serve(adapter)
