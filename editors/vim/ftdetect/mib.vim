autocmd BufRead,BufNewFile *.mib setfiletype mib
