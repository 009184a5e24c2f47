import { serve } from './node/serve.mjs'
import * as adapter from './kafkajs.mjs'

serve(adapter)
