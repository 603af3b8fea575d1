" Colours of graphdsl specs: the words are those of the grammar.
if exists("b:current_syntax")
  finish
endif

syntax match mibName "\<[A-Za-z_][A-Za-z0-9_]*'\?"
syntax match mibFunctional "\<[A-Za-z_][A-Za-z0-9_]*\ze\s*("
syntax keyword mibDeclaration model const param observed latent given mask infer network
syntax match mibDeclaration "\<[qp]\ze\s*{"
syntax keyword mibStatement minimize maximize turns estimate assert with by via if for in not
syntax match mibStatement "\<subject\s\+to\>"
syntax keyword mibModifier optional learned fixed shared
syntax keyword mibRunning sum mean expect pairs subsets bipartitions
syntax match mibRunning "\<\%(abs\|square\|max\|min\|ramp\|cycle\)\ze\s*("
syntax match mibNumber "\<[0-9]\+\%(\.[0-9]\+\)\?\%([eE][+-]\?[0-9]\+\)\?"
syntax match mibOperator "->\|||\|\.\.\|[=<>]=\|[-+*/=~|:]"
syntax match mibComment "#.*$" contains=@Spell

highlight default link mibFunctional Function
highlight default link mibDeclaration Type
highlight default link mibStatement Statement
highlight default link mibModifier StorageClass
highlight default link mibRunning Special
highlight default link mibNumber Number
highlight default link mibOperator Operator
highlight default link mibComment Comment

let b:current_syntax = "mib"
